# Reference answers for ncpi_eval/survey/adjusted.py.
# R 4.2.2, sandwich 3.0-2, clubSandwich 0.5.8 (Debian 12):
#   apt-get install r-base-core r-cran-sandwich r-cran-clubsandwich
#   Rscript make_reference.R > answers.csv
suppressMessages({
  library(sandwich)
  library(clubSandwich)
})

effect <- function(fit, data, exposure, category, reference) {
  moved <- still <- data
  moved[[exposure]][] <- category
  still[[exposure]][] <- reference
  p1 <- predict(fit, moved, type = "response")
  p0 <- predict(fit, still, type = "response")
  x1 <- model.matrix(delete.response(terms(fit)), moved, xlev = fit$xlevels)
  x0 <- model.matrix(delete.response(terms(fit)), still, xlev = fit$xlevels)
  list(
    estimate = mean(p1 - p0),
    gradient = colMeans(p1 * (1 - p1) * x1) - colMeans(p0 * (1 - p0) * x0)
  )
}

answer <- function(name, formula, data, cluster, exposure) {
  categories <- levels(data[[exposure]])
  reference <- categories[1]
  fit <- glm(formula, binomial, data, epsilon = 1e-14, maxit = 100)
  cr2 <- vcovCR(fit, cluster = cluster, type = "CR2")
  cr1 <- vcovCL(fit, cluster = cluster, type = "HC1")
  put <- function(quantity, value) {
    cat(sprintf("%s,%s,%s,%.12g\n", name, category, quantity, value))
  }
  for (category in categories[-1]) {
    e <- effect(fit, data, exposure, category, reference)
    g <- e$gradient
    test <- linear_contrast(
      fit, vcov = cr2, contrasts = matrix(g, 1), test = "Satterthwaite", p_values = TRUE
    )
    coefficient <- paste0(exposure, category)
    own <- coef_test(fit, vcov = cr2, test = "Satterthwaite")[coefficient, ]
    put("estimate", e$estimate)
    put("std_error", sqrt(drop(g %*% cr2 %*% g)))
    put("std_error_cr1", sqrt(drop(g %*% cr1 %*% g)))
    put("df", test$df)
    put("log_odds", own$beta)
    put("log_odds_error", own$SE)
    put("log_odds_df", own$df)
  }
}

cat("model,subgroup,quantity,value\n")
d <- read.csv("respondents.csv", stringsAsFactors = TRUE)
d$status <- relevel(d$status, "uninspected")
d$area <- factor(d$area, c("custody", "child_protection", "neighbourhood", "other"))
answer("respondents", counted ~ status + area + service, d, d$force, "status")
answer("respondents_alone", counted ~ status, d, d$force, "status")

# survival::retinopathy: loss of sight in both eyes of 197 patients, one eye treated.
r <- read.csv("retinopathy.csv", stringsAsFactors = TRUE)
r$trt <- factor(r$trt)
answer("retinopathy", status ~ trt + type + laser, r, r$id, "trt")
