#!/bin/sh
# alert_snmp.sh: an alert agent that sends an SNMP trap for each event.
# Part of Raftmaker. SPDX-License-Identifier: GPL-2.0-or-later
#
#   crm configure alert traps /usr/share/raftmaker/alerts/alert_snmp.sh to 192.0.2.9
#
# The recipient is the host that takes traps. It needs snmptrap (Debian: apt-get install snmp). The traps are those that
# receivers know of Pacemaker clusters (enterprise 32723); no MIB is needed here. Where a value does not belong to an event,
# it is n/a, and a number 2147483647.
# Attributes:
#   trap_version (2c), trap_community (public), trap_options (none), trap_binary (snmptrap)
#   trap_node_states, trap_fencing_tasks, trap_resource_tasks: a list such as start,stop; or all, which is the default
#   trap_monitor_success (false): also tell of monitors that found what was expected

fail() {
    echo "alert_snmp.sh: $*" >&2
    exit 1
}

# Is the word $2 in the list $1?
listed() {
    case ,$(printf '%s' "${1:-all}" | tr 'A-Z ' 'a-z,'), in
        ,all, | *,"$2",*) return 0 ;;
    esac
    return 1
}

wanted() {
    case $CRM_alert_kind in
        node) listed "$trap_node_states" "$CRM_alert_desc" ;;
        fencing) listed "$trap_fencing_tasks" "$CRM_alert_task" ;;
        resource)
            listed "$trap_resource_tasks" "$CRM_alert_task" || return 1
            [ "$CRM_alert_desc" != Cancelled ] || return 1
            [ "$CRM_alert_task" != monitor ] || [ "$CRM_alert_rc" != "$CRM_alert_target_rc" ] ||
                [ "$trap_monitor_success" = true ]
            ;;
        attribute) : ;;
        *) return 1 ;;
    esac
}

[ -n "$CRM_alert_version" ] || fail "the cluster runs this; by hand there is nothing to tell"
[ -n "$CRM_alert_recipient" ] || fail "give the alert a recipient: the host that takes the traps"
wanted || exit 0

snmptrap=${trap_binary:-snmptrap}
command -v "$snmptrap" >/dev/null || fail "there is no $snmptrap here (Debian: apt-get install snmp)"
# snmptrap keeps a file of its own, in a directory that hacluster may not have.
if [ -z "$SNMP_PERSISTENT_DIR" ]; then
    SNMP_PERSISTENT_DIR=$(mktemp -d) || fail "there is no room for a directory"
    trap 'rm -rf "$SNMP_PERSISTENT_DIR"' EXIT
    export SNMP_PERSISTENT_DIR
fi

none=2147483647
object=.1.3.6.1.4.1.32723.1
# trap_options may be several words.
# shellcheck disable=SC2086
"$snmptrap" -v "${trap_version:-2c}" -c "${trap_community:-public}" $trap_options "$CRM_alert_recipient" '' .1.3.6.1.4.1.32723.2.1 \
    $object.1 s "${CRM_alert_node:-n/a}" \
    $object.2 s "${CRM_alert_rsc:-n/a}" \
    $object.3 s "${CRM_alert_task:-n/a}" \
    $object.4 s "${CRM_alert_desc:-n/a}" \
    $object.5 i "${CRM_alert_status:-$none}" \
    $object.6 i "${CRM_alert_rc:-$none}" \
    $object.7 i "${CRM_alert_target_rc:-$none}" \
    $object.8 s "${CRM_alert_attribute_name:-n/a}" \
    $object.9 s "${CRM_alert_attribute_value:-n/a}" || fail "the trap was not sent to $CRM_alert_recipient"
