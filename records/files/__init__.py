"""Files written whole or not at all: folders, arrays, shards, and the processes that fill them."""
