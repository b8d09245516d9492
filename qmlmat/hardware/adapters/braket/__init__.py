"""Amazon Braket: program sets, results in S3, and tokens that make sending safe to repeat."""
