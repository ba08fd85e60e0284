"""`python -m cnnspec`."""

import sys

try:
    from cnnspec.cli import main

    main()
except KeyboardInterrupt:  # before there is anything to interrupt
    sys.exit(130)
