"""The package at work in two minutes: small networks on real handwritten digits, ranked without labels."""
