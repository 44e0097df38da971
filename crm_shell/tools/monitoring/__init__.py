"""What `crm_mon` does when it goes on: wait for changes, run a program on events, detach."""
