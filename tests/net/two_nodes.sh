# Sourced: two nodes on one machine, as MPI sees them. Each is a network namespace with a host name of its own; a pair
# of virtual Ethernet devices joins them, as fast as is asked for. Needs root, iproute2, and a kernel that lets it.
#
#   make_nodes; set_rate 1gbit; on_nodes 2 permafrost train ...   # two ranks on each
#   set_rate none                                                 # as fast as the machine is
# shellcheck shell=bash
net_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=launch/mpi_environment.sh
source "$net_here/../../launch/mpi_environment.sh"
net_a=permafrost-a-$$ net_b=permafrost-b-$$
net_address_a=10.77.0.1 net_address_b=10.77.0.2

make_nodes() {
  local error
  if ! error=$( (ip netns add "$net_a" && ip netns add "$net_b" &&
    ip -n "$net_a" link add pf0 type veth peer name pf0 netns "$net_b") 2>&1); then
    echo "FAILED: expected to make network namespaces and veth devices, found: ${error:-no ip}: install iproute2, be root, and give the container CAP_NET_ADMIN and CAP_SYS_ADMIN" >&2
    exit 1
  fi
  ip -n "$net_a" address add "$net_address_a/24" dev pf0
  ip -n "$net_b" address add "$net_address_b/24" dev pf0
  local node device
  for node in "$net_a" "$net_b"; do
    for device in lo pf0; do ip -n "$node" link set "$device" up; done
  done
}
remove_nodes() {
  local node
  for node in "$net_a" "$net_b"; do ip netns delete "$node" 2>/dev/null || true; done
}
set_rate() {  # set_rate RATE: each way, as tc writes it (500mbit, 1gbit), or none
  local node
  for node in "$net_a" "$net_b"; do
    tc -n "$node" qdisc delete dev pf0 root 2>/dev/null || true
    [ "$1" = none ] || tc -n "$node" qdisc add dev pf0 root tbf rate "$1" burst 256kb latency 50ms
  done
}
latency_us() {  # one way, by ping
  ip netns exec "$net_a" ping -c 20 -i 0.01 -q "$net_address_b" | sed -nE 's#^rtt [^=]*= [^/]*/([0-9.]+)/.*#\1#p' |
    awk '{ print $1 * 1000 / 2 }'
}
in_node() {  # in_node NAMESPACE HOST COMMAND...
  local node=$1 host=$2
  shift 2
  # shellcheck disable=SC2016  # for the inner shell
  ip netns exec "$node" unshare --uts bash -c 'hostname "$0" && exec "$@"' "$host" "$@"
}
on_one_node() { in_node "$net_a" node-a "$@"; }
on_nodes() {  # on_nodes RANKS_OF_EACH COMMAND...
  local ranks=$1 net=10.77.0.0/24
  shift
  PERMAFROST_OTHER_NODE=$net_b on_one_node mpirun -np $((2 * ranks)) \
    --host "$net_address_a:$ranks,$net_address_b:$ranks" --mca plm_rsh_agent "$net_here/other_node.sh" \
    --mca oob_tcp_if_include "$net" --mca btl_tcp_if_include "$net" "$@"
}
