"""How a row becomes events: forms of columns, words, dates, statements, derived steps."""
