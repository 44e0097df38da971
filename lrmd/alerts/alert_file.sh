#!/bin/sh
# alert_file.sh: an alert agent that adds a line to a file for each event.
# Part of Raftmaker. SPDX-License-Identifier: GPL-2.0-or-later
#
#   crm configure alert notes /usr/share/raftmaker/alerts/alert_file.sh select nodes fencing \
#       to /var/log/raftmaker/alerts/events.log
#
# The recipient is the file. Agents run as hacluster, who owns /var/log/raftmaker/alerts.
# Attribute debug_exec_order=true: each line begins with the number of the run and says when it was written.

fail() {
    echo "alert_file.sh: $*" >&2
    exit 1
}

sentence() {
    case $CRM_alert_kind in
        node) echo "node $CRM_alert_node is now $CRM_alert_desc" ;;
        fencing) echo "fencing of $CRM_alert_node: $CRM_alert_desc" ;;
        resource)
            every=
            [ "${CRM_alert_interval:-0}" = 0 ] || every=" (every $CRM_alert_interval ms)"
            wanted=
            [ "$CRM_alert_rc" = "$CRM_alert_target_rc" ] || wanted=", expected code $CRM_alert_target_rc"
            echo "$CRM_alert_task$every of $CRM_alert_rsc on $CRM_alert_node: $CRM_alert_desc$wanted"
            ;;
        attribute) echo "attribute $CRM_alert_attribute_name of $CRM_alert_node is now '$CRM_alert_attribute_value'" ;;
        *) echo "an event of a kind that is not known here: $CRM_alert_kind" ;;
    esac
}

[ -n "$CRM_alert_version" ] || fail "the cluster runs this; by hand there is nothing to tell"
[ -n "$CRM_alert_recipient" ] || fail "give the alert a recipient: the file to write to"

when=$CRM_alert_timestamp
if [ "$debug_exec_order" = true ]; then
    when="$CRM_alert_node_sequence. $when (written $(date +%H:%M:%S.%6N))"
fi
# One write a line: agents may run at the same time.
printf '%s: %s\n' "$when" "$(sentence)" >>"$CRM_alert_recipient" || fail "cannot write to $CRM_alert_recipient"
