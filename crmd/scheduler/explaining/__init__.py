"""Why a resource is where it is: every score with its source, and what is in the way."""
