"""One file per subcommand of `vqecg`."""
