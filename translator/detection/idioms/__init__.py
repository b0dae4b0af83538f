"""What the author of a query meant, an idiom a module."""
