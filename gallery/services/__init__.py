"""Write what members do: create, comment, like, follow and collect, each within the rules."""
