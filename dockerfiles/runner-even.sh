find /var/cache /var/log -type f \( -path '/var/log/*' -o -path '/var/cache/ldconfig/*' -o -name '*-old' \) \
       -exec truncate --size=0 {} + \
    && find / -xdev \( -path /dev -o -path /packages -o -path /proc -o -path /sys -o -path /etc/hosts -o -path /etc/resolv.conf \) \
       -prune -o -newermt "@$start" -exec touch --no-dereference --date=@0 {} +
