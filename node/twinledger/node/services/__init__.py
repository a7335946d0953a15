"""What clients, operators and peers may call: thin translations between the wire and the node.

Nothing here decides: a handler checks the shape of its request, asks the part that knows, and
answers. Errors are raised as LedgerError and leave as google.rpc.Status in one place.

Read in this order: handlers (how a service is put on a server and how errors leave), submission
(the ways to submit), ledger_service, twin_service, consortium_service, operator_service,
peer_service, and rendering (records to messages).
"""
