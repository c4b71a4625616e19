"""The service's JSON as a person reads it, 100 columns wide. Everything is `Text`: what documents say is never taken for markup."""
