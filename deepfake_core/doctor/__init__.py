"""Is this machine ready? What ``deepfake doctor`` looks at; it changes nothing."""
