"""The tests: they mirror the tree, and talk to loopback alone."""
