// etcd 3.6 as a program for tests, built from its own modules because only one version comes from the system's packages.
// Nothing of Snapkeep is in it.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
