"""The rules of the house itself: who imports whom, what is packaged, what stands where."""
