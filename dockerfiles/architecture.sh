case "$TARGETARCH" in
  386) architecture=i386 ;;
  arm) architecture=armhf ;;
  ppc64le) architecture=ppc64el ;;
  *) architecture="$TARGETARCH" ;;
esac
