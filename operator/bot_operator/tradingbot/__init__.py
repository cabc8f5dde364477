"""TradingBot: what is observed of a bot, and the pure plan that follows from it."""
