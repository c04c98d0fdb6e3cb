# What R's survival answers for three sets of waiting times; prints answers.csv.
library(survival)
sets <- list(
  # Length of remission of 21 patients on 6-MP, weeks (Freireich and others 1963).
  remission = data.frame(
    time = c(6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35),
    happened = c(1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0)),
  # Kaplan and Meier's own example of 1958: eight observations, four of them losses.
  kaplan_meier_1958 = data.frame(
    time = c(0.8, 1.0, 2.7, 3.1, 5.4, 7.0, 9.2, 12.1),
    happened = c(1, 0, 0, 1, 1, 0, 1, 0)),
  # Months to follow-up of this project's calendar where both months are known; two are waiting.
  follow_up = data.frame(
    time = c(10, rep(11, 7), rep(12, 9), 13, 13, 14, 14, 18, 29, 3, 6),
    happened = c(rep(1, 23), 0, 0)))
cat("set,time,at_risk,happened,estimate,std_error,ci_low,ci_high\n")
for (name in names(sets)) {
  fit <- survfit(Surv(time, happened) ~ 1, data = sets[[name]], conf.type = "log-log")
  at <- summary(fit)
  for (i in seq_along(at$time)) cat(name, sprintf("%.12g", c(at$time[i], at$n.risk[i],
    at$n.event[i], at$surv[i], at$std.err[i], at$lower[i], at$upper[i])), sep = ",", fill = 200)
  half <- quantile(fit, 0.5)
  cat(name, "median", "", "", sprintf("%.12g", half$quantile), "",
    sprintf("%.12g", half$lower), sprintf("%.12g", half$upper), sep = ",", fill = 200)
}
