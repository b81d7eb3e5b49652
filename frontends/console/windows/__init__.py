"""Windows over the screen: help, lists to choose from, forms."""
