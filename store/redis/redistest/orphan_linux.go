package redistest

import "syscall"

// sysProcAttr lets a server end with the test that started it.
func sysProcAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
