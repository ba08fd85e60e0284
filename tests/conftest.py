"""Settings that every test runs under: one thread for numerical libraries, no deadline for random examples."""

import os

from hypothesis import settings

# Before anything imports torch, here or in a child process: on few cores, threads cost more than they bring.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

# A shared machine may pause at any example; and what fails must fail again when it is run again.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")
