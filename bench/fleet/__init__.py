"""A fleet of tasks in several Regions, simulated with the product's own admission."""
