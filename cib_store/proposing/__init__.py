"""What is done with a request before it is proposed: resolve, check, and note what it relied on."""
