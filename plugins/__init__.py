"""The features that can be taken away: one a file."""
