"""What noise on the condition while training does to the scores of RCG."""
