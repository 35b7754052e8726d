"""What the tests share: processes, ports, a raw client, the reference server, peers."""
