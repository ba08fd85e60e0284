"""`python -m cnnspec`."""

from cnnspec.cli import main

main()
