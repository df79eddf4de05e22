//! Reads the files people have and turns them into the columns of a dataset snapshot.
