// SPDX-License-Identifier: MIT
// The whole library behind headers that define short or common names as macros, each as it comes or, if it is not installed, by
// the names it is known for. Compiled with GNU extensions, which make `unix` and `linux` 1 and have <complex.h> define `I`.
#include <complex.h>

#include <ctype.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/param.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <syslog.h>
#include <termios.h>
#include <ucontext.h>
#include <unistd.h>
#if __has_include(<sys/sysmacros.h>)
#include <sys/sysmacros.h>
#endif
#if __has_include(<linux/input.h>)
#include <linux/fs.h>
#include <linux/input.h>
#include <linux/kernel.h>
#endif
#if __has_include(<curses.h>)
#include <curses.h>
#endif

// <windows.h>, but for `min` and `max`, with which the standard headers do not compile either.
#define near
#define far
#define small char
#define interface struct
#define IN
#define OUT
#define OPTIONAL
#define CONST const
#define VOID void
#define CALLBACK
#define ERROR 0
#define NO_ERROR 0
#define STRICT 1
#define DELETE 0x00010000L
#define TRANSPARENT 1
#define ABSOLUTE 1
#define RELATIVE 2

// <ctype.h> of newlib and the BSDs
#define _U 01
#define _L 02
#define _N 04
#define _S 010
#define _P 020
#define _C 040
#define _X 0100
#define _B 0200

// Xlib and Arduino's binary.h come after Eigen, which refuses them otherwise.
#include <Eigen/Core>
#define B1 1
#define B10 2
#define B11 3
#if __has_include(<X11/Xlib.h>)
#include <X11/Xlib.h>
#include <X11/Xutil.h>
#else
#define None 0L
#define Bool int
#define Status int
#define True 1
#define False 0
#define Success 0
#define Always 2
#define Above 0
#define Below 1
#define Complex 0
#define Convex 2
#define Unsorted 0
#define KeyPress 2
#define Expose 12
#define CursorShape 0
#endif

#include <espalier/espalier.hpp>
#include <espalier/nn/trunks.hpp>
#include <espalier/vision.hpp>
#if __has_include(<nlohmann/json.hpp>)
#include <espalier/io.hpp>
#endif

int main() {
    espalier::Tensor<float> tensor{{2, 2}, {1, 2, 3, 4}};
    return tensor.at(1, 0) == 3 && espalier::num_threads() > 0 ? 0 : 1;
}
