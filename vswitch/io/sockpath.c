/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vswitch/io/sockpath.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

int vsw_sockpath_clear(const char *path, const char *object, struct vd_err *reterr)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct stat st;
	int fd, r;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0
				       : vd_err_set(reterr, -errno, VD_E_DEVICE_OPEN, object,
						    "check the folder's name and permissions",
						    "cannot look at %s: %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return vd_err_set(reterr, -EEXIST, VD_E_DEVICE_BUSY, object,
				  "choose another path, or remove the file",
				  "%s exists and is not a socket", path);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = fd < 0 ? 0 : connect(fd, (struct sockaddr *)&sa, sizeof(sa));
	/* A listener may be too busy or refuse us: only a refused connection proves a dead file. */
	if (r < 0 && errno != ECONNREFUSED)
		r = 0;
	if (fd >= 0)
		close(fd);
	if (r == 0)
		return vd_err_set(reterr, -EBUSY, VD_E_DEVICE_BUSY, object,
				  "choose another path, or stop the program that listens there",
				  "another program listens on %s", path);
	unlink(path);
	return 0;
}

void vsw_sockpath_open_to_vmm(const char *path)
{
	struct group *g = getgrnam("kvm");

	if (g && chown(path, (uid_t)-1, g->gr_gid) < 0)
		return; /* not root: the owner's own VMM can still connect */
	if (chmod(path, 0660) < 0)
		return;
}
