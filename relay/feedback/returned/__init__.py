"""What comes back by mail: bounces, delays, complaints, automatic replies, receipts; told apart and read. Pure."""
