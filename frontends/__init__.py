"""The programs that people look at."""
