"""The control API of the sandbox, not part of X: posts as any user, users, limits, faults, rules, clock, prices."""
