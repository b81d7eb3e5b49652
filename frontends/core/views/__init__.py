"""What a person looks at, without any toolkit: rows that come, change and go."""
