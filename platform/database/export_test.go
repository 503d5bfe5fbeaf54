package database

// LockFile lets tests hold the lock of another process.
var LockFile = lockFile
