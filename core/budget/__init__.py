"""Money: prices, the ledger of costs, budgets and forecasts."""
