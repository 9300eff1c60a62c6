"""Pure rules of the product: no Flask, no database, no clock of their own. Time comes in as `now`."""
