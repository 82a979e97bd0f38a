#!/usr/bin/env bash
# Checks what krew/package.ts made, on the system that it is for: its checksum, its installation by the real krew, the
# signature that macOS wants, and that it starts and works. The release workflow runs it before anything is published.
set -euo pipefail

if [ $# -ne 2 ]; then
  echo "Usage: krew/verify-archive.sh DIR OS/ARCH" >&2
  exit 2
fi
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$1"
os=${2%/*} arch=${2#*/}

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
export KREW_ROOT="$temporary/krew" KREW_OS="$os" KREW_ARCH="$arch"

archives=(virt-platform_v*_"$os"_"$arch".*)
if [ ${#archives[@]} -ne 1 ] || [ ! -f "${archives[0]}" ]; then
  echo "error: not one archive for $os/$arch in $PWD, but: ${archives[*]}" >&2
  exit 2
fi
archive=${archives[0]}
echo "verifying $archive"

if command -v sha256sum >/dev/null; then sum=(sha256sum); else sum=(shasum -a 256); fi
grep -F "  $archive" SHA256SUMS | "${sum[@]}" --check

if ! command -v kubectl-krew >/dev/null; then
  mkdir "$temporary/module"
  # The same version as in test/harness/krew.ts.
  printf 'module krew\n\ngo 1.25\n\nrequire sigs.k8s.io/krew v0.5.0\n' >"$temporary/module/go.mod"
  suffix=
  if [ "$os" = windows ]; then suffix=.exe; fi
  (cd "$temporary/module" && go build -mod=mod -o "../kubectl-krew$suffix" sigs.k8s.io/krew/cmd/krew)
  PATH="$temporary:$PATH"
fi
kubectl-krew install --manifest=virt-platform.yaml --archive="$archive" </dev/null

plugin="$KREW_ROOT/bin/kubectl-virt_platform"
if [ "$os" = windows ]; then plugin=$plugin.exe; fi
if [ "$os" = darwin ]; then
  installed=$(echo "$KREW_ROOT"/store/virt-platform/*/kubectl-virt_platform)
  codesign --verify --strict --verbose=2 "$installed"
fi

# What is said to somebody who has no cluster, and what is done for them.
version=${archive#virt-platform_}
version=${version%_"$os"_"$arch".*}
"$plugin" version --client | grep -F "Client Version: $version"
"$plugin" version --client -o json | grep -F "\"platform\": \"$os/$arch\""
cd "$root"
"$plugin" render psi-enable -o name -f test/fixtures/clusters/openshift |
  grep -F machineconfig.machineconfiguration.openshift.io/99-openshift-machineconfig-worker-psi-karg
echo "$archive is fine"
