"""Shape rows and forms for templates and the API. Import no router and run no query."""
