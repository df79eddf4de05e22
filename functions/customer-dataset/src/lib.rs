//! The customer dataset behind HTTP: imports, snapshots, look-up of one customer.
