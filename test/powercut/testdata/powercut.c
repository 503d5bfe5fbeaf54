/* A VFS for tests that keeps a log of what is written and synced, from which the test
   makes what is on the disk after a power cut. It is loaded into SQLite as an extension
   and becomes the default; the program never loads it. Syncs are only noted. */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sqlite3ext.h"
SQLITE_EXTENSION_INIT1

typedef struct {
  sqlite3_file base;
  sqlite3_file *real;
  int32_t id; /* -1: not logged */
} File;

static sqlite3_vfs *root;
static sqlite3_vfs shim;
static int log_fd = -1;
static int32_t next_id;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* note appends one entry: op, id, offset, length, data. */
static int note(char op, int32_t id, int64_t offset, const void *data, int32_t length) {
  char *entry = malloc(17 + (size_t)length);
  if (!entry) return SQLITE_NOMEM;
  entry[0] = op;
  memcpy(entry + 1, &id, 4);
  memcpy(entry + 5, &offset, 8);
  memcpy(entry + 13, &length, 4);
  if (length) memcpy(entry + 17, data, (size_t)length);
  pthread_mutex_lock(&lock);
  ssize_t n = write(log_fd, entry, 17 + (size_t)length);
  pthread_mutex_unlock(&lock);
  free(entry);
  return n == 17 + (ssize_t)length ? SQLITE_OK : SQLITE_IOERR;
}

#define REAL(f) (((File *)(f))->real)
#define ID(f) (((File *)(f))->id)

static int x_close(sqlite3_file *f) { return REAL(f)->pMethods ? REAL(f)->pMethods->xClose(REAL(f)) : SQLITE_OK; }
static int x_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at) { return REAL(f)->pMethods->xRead(REAL(f), p, n, at); }
static int x_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at) {
  int rc = REAL(f)->pMethods->xWrite(REAL(f), p, n, at);
  return rc == SQLITE_OK && ID(f) >= 0 ? note('W', ID(f), at, p, n) : rc;
}
static int x_truncate(sqlite3_file *f, sqlite3_int64 size) {
  int rc = REAL(f)->pMethods->xTruncate(REAL(f), size);
  return rc == SQLITE_OK && ID(f) >= 0 ? note('T', ID(f), size, 0, 0) : rc;
}
static int x_sync(sqlite3_file *f, int flags) {
  (void)flags;
  return ID(f) >= 0 ? note('S', ID(f), 0, 0, 0) : SQLITE_OK;
}
static int x_size(sqlite3_file *f, sqlite3_int64 *n) { return REAL(f)->pMethods->xFileSize(REAL(f), n); }
static int x_lock(sqlite3_file *f, int l) { return REAL(f)->pMethods->xLock(REAL(f), l); }
static int x_unlock(sqlite3_file *f, int l) { return REAL(f)->pMethods->xUnlock(REAL(f), l); }
static int x_reserved(sqlite3_file *f, int *out) { return REAL(f)->pMethods->xCheckReservedLock(REAL(f), out); }
static int x_control(sqlite3_file *f, int op, void *arg) { return REAL(f)->pMethods->xFileControl(REAL(f), op, arg); }
static int x_sector(sqlite3_file *f) { (void)f; return 512; }
static int x_device(sqlite3_file *f) { (void)f; return 0; } /* nothing is atomic, nothing in order */
static int x_shm_map(sqlite3_file *f, int r, int n, int extend, void volatile **p) { return REAL(f)->pMethods->xShmMap(REAL(f), r, n, extend, p); }
static int x_shm_lock(sqlite3_file *f, int at, int n, int flags) { return REAL(f)->pMethods->xShmLock(REAL(f), at, n, flags); }
static void x_shm_barrier(sqlite3_file *f) { REAL(f)->pMethods->xShmBarrier(REAL(f)); }
static int x_shm_unmap(sqlite3_file *f, int del) { return REAL(f)->pMethods->xShmUnmap(REAL(f), del); }

static const sqlite3_io_methods methods = {
  2, x_close, x_read, x_write, x_truncate, x_sync, x_size, x_lock, x_unlock, x_reserved, x_control, x_sector, x_device,
  x_shm_map, x_shm_lock, x_shm_barrier, x_shm_unmap, 0, 0,
};

static int x_open(sqlite3_vfs *v, sqlite3_filename name, sqlite3_file *f, int flags, int *out) {
  File *file = (File *)f;
  (void)v;
  memset(file, 0, sizeof *file);
  file->real = (sqlite3_file *)&file[1];
  file->id = -1;
  int rc = root->xOpen(root, name, file->real, flags, out);
  if (rc != SQLITE_OK) return rc;
  file->base.pMethods = &methods;
  if (name && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL))) {
    pthread_mutex_lock(&lock);
    file->id = next_id++;
    pthread_mutex_unlock(&lock);
    return note('O', file->id, 0, name, (int32_t)strlen(name));
  }
  return SQLITE_OK;
}

static int x_delete(sqlite3_vfs *v, const char *name, int sync) {
  (void)v;
  int rc = root->xDelete(root, name, sync);
  return rc == SQLITE_OK ? note('D', -1, 0, name, (int32_t)strlen(name)) : rc;
}

int sqlite3_powercut_init(sqlite3 *db, char **error, const sqlite3_api_routines *api) {
  (void)db;
  (void)error;
  SQLITE_EXTENSION_INIT2(api);
  if (log_fd >= 0) return SQLITE_OK_LOAD_PERMANENTLY;
  const char *path = getenv("POWERCUT_LOG");
  if (!path || (log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600)) < 0) return SQLITE_ERROR;
  root = sqlite3_vfs_find("unix");
  shim = *root;
  shim.zName = "powercut";
  shim.pNext = 0;
  shim.szOsFile = (int)sizeof(File) + root->szOsFile;
  shim.xOpen = x_open;
  shim.xDelete = x_delete;
  if (sqlite3_vfs_register(&shim, 1) != SQLITE_OK) return SQLITE_ERROR;
  return SQLITE_OK_LOAD_PERMANENTLY;
}
