#!/bin/sh
bin/orders migrate
bin/orders remote_console
