"""The other side of every public protocol, each a process of its own: see README.md beside this file."""
