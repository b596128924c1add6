"""Who is looking: signing in with X, the browsers in which somebody is signed in, and what guards their forms.

Every page asks who looks, so nothing is imported here: the table of this package stands at the end of `pages.py`.
"""
