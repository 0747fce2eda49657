"""What is said on a wire, apart from how the bytes travel."""
