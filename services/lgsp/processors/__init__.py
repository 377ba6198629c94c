"""One Faust app per file, thin: decode, domain, store, produce."""
