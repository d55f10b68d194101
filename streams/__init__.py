"""Everything impure: Kafka, Faust, files, the wall clock, metrics."""

import os

# numpy reads it when it is imported. It would ask the kernel for huge pages for every large column, and wait while the kernel clears and
# collects them: columns come and go many times a second, and a table that grows is an alert that waits
os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")
