package database

// LockFile lets tests hold the lock of another process.
var LockFile = lockFile

// Advice and the choice of temporary storage, for errors and folders that a test
// cannot make happen.
var (
	SQLiteAdvice       = sqliteAdvice
	PostgresAdvice     = postgresAdvice
	FileFault          = fileFault
	HasTemporaryFolder = hasTemporaryFolder
)
