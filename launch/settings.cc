namespace permafrost::launch {}
