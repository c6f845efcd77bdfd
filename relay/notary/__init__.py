"""The notary: signs what the log says, has others cosign and stamp it, and shows it. The log is the archive's."""
