import {topbar} from "../vendor/topbar"
import {connect} from "kit"

topbar.config({barColors: {0: "#29d"}})
window.addEventListener("load", () => connect("/live", {longPoll: 2500}))
